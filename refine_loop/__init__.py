"""The loop: candidates are planned, generated, judged and refined until enough are accepted or a cap is reached."""
