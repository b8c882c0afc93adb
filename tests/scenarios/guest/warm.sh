# Not a scenario: the image's pages come into memory, at nobody's cost.
# The first container that reads them has to pay for them with its own limit. Close to the limit the
# kernel then throws out and reads again the same few pages, for minutes on an emulated CPU, before it kills.
run --rm "$IMAGE" sh -c 'cat /bin/busybox >/dev/null'
