"""Build the services of each area. Portal has the fields of all these records.

To add a service, add a field to its area's record, and a constructor call below it. In reading order:

- operations: index care, backups, retention, search, usage
- people: accounts, sign-in, groups and roles, the audit log
- models: loading and comparing models, and transfers of model files
- inference: the gateway to models, with its limits, privacy filter and routes
- programs: stored responses, files and batches of programs
- images: decoding images, and finding boxes on them
- plugins: the installed plugins and the portal's own
- chat: conversations and their answers
- arena: blind votes, the leaderboard, and experiments
- review: feedback, answers side by side, and datasets
- workflows: tasks of people, and their runs
- alerts: alert rules, their checks, and who is told
"""
