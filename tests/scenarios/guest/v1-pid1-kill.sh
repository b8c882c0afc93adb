# cgroup v1.
expect 137 run --name v1-pid1-kill --memory=20m "$IMAGE" $HOG
