"""A rehearsal model: an OpenAI-compatible chat endpoint on loopback that answers without a language model.

It plays the generator, the judge and the refiner from the prompt alone, so that the whole pipeline can be tried with no
key, no network and no cost. It is a statistical baseline: its rows are the prompt's own examples, resampled and
disturbed, its judge compares numbers with limits, and it errs at set rates so that every branch of the loop is walked.
It is no language model, and its rows prove nothing about one.

Nothing of the other packages is imported here; the pipeline reaches this model over HTTP, like any other.
"""
