# The same exit code as an OOM kill.
run -d --name user-kill "$IMAGE" $FOREVER
podman kill user-kill
