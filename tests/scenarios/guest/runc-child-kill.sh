# sh is PID 1 and outlives its child, started by runc.
expect 0 podman --runtime runc run --network=none --name runc-child-kill --memory=20m "$IMAGE" sh -c "$HOG; sleep 1; exit 0"
