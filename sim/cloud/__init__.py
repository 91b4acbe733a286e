"""The shared cloud: replicas, their queue, batching and service times."""
