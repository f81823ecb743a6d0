"""Questions about an advisor: attacks on its policy, and what the policy decided."""
