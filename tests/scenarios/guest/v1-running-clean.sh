# cgroup v1 has no memory.oom.group.
run -d --name v1-running-clean --memory=64m "$IMAGE" $FOREVER
