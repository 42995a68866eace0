"""Find personal data and secrets in texts, and warn, mask or refuse by the group's policy.

In reading order:

- records: kinds of personal data, findings and policies
- check_digits: check digits of identity numbers, bank cards and IBANs
- detectors: find personal data in a text
- masking: mask a text, whole or as it is written
- ports: policies in the database, and own patterns
- filter: apply the policy of a person's group
"""
