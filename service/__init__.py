"""A job service over the folder of runs: submit, watch, cancel, resume, fetch; pages for people, and blind review.

Needs the extra `serve`; nothing below this room imports it.
"""
