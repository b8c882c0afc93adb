# It must not be reported as killed.
expect 0 run --rm --name rm-clean --memory=20m "$IMAGE" true
