"""Draft tokens: a port (drafter), prompt lookup (passage, prompt_lookup), MTP (accept_rate, mtp_drafter, mtp), costs (draft_costs)."""
