"""The gateway on Ray Serve: replicas of the whole application behind one ingress."""
