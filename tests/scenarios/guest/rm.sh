# Nothing is left to inspect.
expect 137 run --rm --name rm --memory=20m "$IMAGE" $HOG
