"""Everything that talks to Printora and loads what it says. Runs without Dagster."""
