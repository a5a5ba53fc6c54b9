module apimgmt/sandbox/network-policy-controller

go 1.26.0

require github.com/cloudnativelabs/kube-router/v2 v2.2.1

// The fork keeps the original's module name in its go.mod.
replace github.com/cloudnativelabs/kube-router/v2 => github.com/k3s-io/kube-router/v2 v2.2.1
