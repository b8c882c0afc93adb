# The runtime can't set the limit.
if run --name memory-refused --memory=64m "$IMAGE" true; then
    echo "it was not refused" >&2
    exit 1
fi
