// Who imports Holdfast has its vocabulary too: values, namespaces, errors, limits.
@_exported public import HoldfastCore
