"""Regression on features: softmax regression by SGD, and ridge regression."""
