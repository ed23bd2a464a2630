"""The migrations. They import nothing of Tocsin: tables change, what a migration did does not. None leads back; a backup does."""
