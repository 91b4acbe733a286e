"""What goes wrong, when: outages of the cloud, crashed and slow replicas, bad links."""
