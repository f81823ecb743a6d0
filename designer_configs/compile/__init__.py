"""From a profile to native Data Designer jobs: loading, checking, resolving controls, compiling."""
