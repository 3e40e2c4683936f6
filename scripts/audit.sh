#!/bin/sh
# Are there known weaknesses in what the locks install? Says aloud where nobody could be asked:
# an audit that did not happen must not look like one that found nothing.
audit=$1
for lock in requirements/run.txt requirements/dev.txt; do
	echo "$lock:"
	# --strict: what the service does not know is an error and no silence.
	if ! "$audit" --strict --disable-pip --require-hashes --progress-spinner off -r "$lock" >.venv/audit.txt 2>&1; then
		cat .venv/audit.txt
		if grep -q -e "ConnectionError" -e "could not be audited" -e "Max retries" .venv/audit.txt; then
			echo "NOT AUDITED: the service that knows weaknesses cannot be reached from here" >&2
		fi
		exit 1
	fi
	cat .venv/audit.txt
done
