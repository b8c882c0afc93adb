# The side process takes the main process along.
run -d --name exec-group-kill --memory=20m --cgroup-conf=memory.oom.group=1 "$IMAGE" $FOREVER
# the exit code of exec is not always told when its container dies
podman exec exec-group-kill $HOG || true
