"""Which replica a request goes to: where most of its prompt is cached, unless that one is busy."""
