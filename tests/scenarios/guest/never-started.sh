# No run at all.
podman create --network=none --name never-started --memory=64m "$IMAGE" $FOREVER
