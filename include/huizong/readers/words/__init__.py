"""Word processors' documents."""
