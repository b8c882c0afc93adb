# The child's death takes PID 1 along.
expect 137 run --name group-kill --memory=20m --cgroup-conf=memory.oom.group=1 "$IMAGE" \
    sh -c "$HOG; $FOREVER"
