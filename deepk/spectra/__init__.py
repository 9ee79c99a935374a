"""Expansions in orthogonal polynomials: Hermite for Gaussian inputs, Gegenbauer and Legendre on the sphere."""
