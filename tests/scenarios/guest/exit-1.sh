# The application's own failure.
expect 1 run --name exit-1 "$IMAGE" false
