"""Kinds that change the cluster, through the gate."""
