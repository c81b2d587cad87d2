"""The embedded cluster of the demo and the tests: a small API server that answers as a real one does, or says 501.

It keeps objects, versions, preconditions, finalizers, pages, selectors, dry runs, RBAC and Events as kube-apiserver
does (tests/contract holds it to that). It has no schemas, so it takes unknown fields and wrong types; no watch,
server-side apply, garbage collection, scheduler or workload controllers; and of the kubelet only logs and grace.
"""
