# The verbs of the project. `make help` lists them.
.DEFAULT_GOAL := help
help:  ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'
.PHONY: help
