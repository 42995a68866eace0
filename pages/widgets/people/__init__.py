"""Draw people's roles, groups and rights.

In reading order:

- words: readable names of roles and permissions
- group_list: the groups tab of the People page
- group_members: the members of a group, for admins and its managers
- review_groups: the groups whose cases a reviewer reviews
- matrix: permissions by role
- role_editor: make and change custom roles
- limits: limits, and the words for them
- privacy: privacy policies
- verdict: whether a person may do something, and why
"""
