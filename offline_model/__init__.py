"""A rehearsal model: an OpenAI-compatible chat endpoint on loopback that answers without a language model.

It plays the generator, the judge and the refiner from the prompt alone, so that the whole pipeline can be tried with no
key, no network and no cost. A prompt whose `# Task:` heading a dataset has declared below `tasks` is answered by that
task: trade_log's rows are the prompt's own examples, resampled and disturbed, and its judge compares numbers with
limits. Any other prompt is answered from the JSON Schema it asks for and the sentences it says. It errs at set rates,
so that every branch of the loop is walked. It is no language model, and its rows prove nothing about one.

Nothing of the other packages is imported here; the pipeline reaches this model over HTTP, like any other.
"""
