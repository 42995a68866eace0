"""Run the commands besides `run` and `worker`.

In reading order:

- people: ./portal user
- doctor: ./portal doctor, before and after installation
- inspection: the part of the doctor inside the environment
- finding: one line of the doctor
- backup: ./portal backup and restore
- keys: ./portal keys
- audit: ./portal audit
- models: ./portal model
- benches: find the measurements of ./portal bench
"""
