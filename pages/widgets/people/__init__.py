"""Draw people's roles, groups and rights.

In reading order:

- words: names of roles and permissions for people
- group_list: the groups tab of the People page
- group_members: a group's members, for admins and for its managers
- matrix: who may do what, by role
- role_editor: make and change custom roles
- limits: limits, and the words for them
- privacy: policies for personal data
- verdict: may this person do it, and why
"""
