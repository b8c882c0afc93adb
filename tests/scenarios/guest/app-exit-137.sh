# The exit code alone proves nothing.
expect 137 run --name app-exit-137 --memory=64m "$IMAGE" sh -c 'exit 137'
