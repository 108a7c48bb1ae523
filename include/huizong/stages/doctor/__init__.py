"""Doctor: tries everything that the system needs, and says of each failure what to do.

What one check comes to never stops the others.
"""
