"""Build the services of each area. Portal has the fields of all these records.

To add a service: a field in its area's record, and its constructor call below it. In reading order:

- operations: index care, backups, retention, search, usage
- people: accounts, sign-in, groups and roles, the audit log
- models: loading and comparing models, bringing model files here
- inference: the gateway to models, and what it asks first
- programs: responses, files and batches of programs
- images: images, and boxes on them
- chat: conversations and their answers
- review: feedback and answers side by side
"""
