"""Where jobs run: the library, a service or a cluster, and what stands between a job and its provider."""
