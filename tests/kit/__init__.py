"""What several suites share: servers, people who chat, agents, tokens, databases."""
