"""Jobs run by a NeMo microservices deployment."""
