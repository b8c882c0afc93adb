# No limit and no harm done.
run -d --name running-unlimited "$IMAGE" $FOREVER
