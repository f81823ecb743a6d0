"""Reads a model's answer: the object that the model's own text closes, or a refusal that says why.

Three readers, one for each thing a model is asked for: `row.read_object`, `judgement.read_judgement` and
`refinement.read_refinement`. All are pure. What they mend is a closed table, `mendings.MENDINGS`; a value that is in no
entry of it is refused, and nothing is repaired.
"""
