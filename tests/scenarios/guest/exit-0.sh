# A clean end.
expect 0 run --name exit-0 --memory=64m "$IMAGE" true
