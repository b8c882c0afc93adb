# The main process goes over the limit, started by runc.
expect 137 podman --runtime runc run --network=none --name runc-pid1-kill --memory=20m "$IMAGE" $HOG
