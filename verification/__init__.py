"""Proof that accepted rows are neither noise nor copies: questions, references, one verdict, one report."""
