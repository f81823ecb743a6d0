"""Proof that accepted trades are neither noise nor copies: questions, references, one verdict, one report."""
