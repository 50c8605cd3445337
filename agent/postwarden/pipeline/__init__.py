"""The stages that join everything: collect, judge, record; and `audit`, which runs them."""
