# cgroup v1.
expect 0 run --name v1-child-kill --memory=20m "$IMAGE" sh -c "$HOG; sleep 1; exit 0"
