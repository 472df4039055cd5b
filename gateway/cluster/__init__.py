"""The gateway on Ray Serve: replicas of the whole application behind one ingress.

serve run gateway.cluster:app config=models.yaml replicas=2
"""

from gateway.cluster.application import app

__all__ = ["app"]
