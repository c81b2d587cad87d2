"""The composition root: builds every object once and wires it; the only place that knows all layers."""
